#include <iostream>

int doubled(int number);

int main() {
    std::cout << doubled(4) << '\n';
}
