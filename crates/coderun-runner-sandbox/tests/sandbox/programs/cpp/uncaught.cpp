#include <iostream>
#include <map>

int main() {
    std::cout << "before\n";
    std::map<int, int>{}.at(3);
}
