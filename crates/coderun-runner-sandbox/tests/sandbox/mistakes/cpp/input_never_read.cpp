#include <iostream>

int main() {
    int number = 0;
    while (number != 7) {
        std::cout << "Guess: ";
        std::cin >> number;
    }
    std::cout << "Right\n";
}
