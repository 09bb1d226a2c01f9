#include <iostream>
#include <vector>

int main() {
    std::cout << "before" << std::endl;
    std::vector<long> huge(100'000'000'000);
    std::cout << huge.size() << '\n';
}
