#include <iostream>
#include <string>

int main() {
    int age = "17";
    std::cout << age + 1 << '\n';
}
