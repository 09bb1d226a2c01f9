#include <iostream>

int main() {
    std::string text = 5
    std::cout << text;
}
