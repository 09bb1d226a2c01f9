#include <string>
#include <vector>

int main() {
    std::vector<std::string> kept;
    for (;;) kept.push_back(std::string(1000000, 'x'));
}
