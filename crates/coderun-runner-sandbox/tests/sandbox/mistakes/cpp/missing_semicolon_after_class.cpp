#include <iostream>
#include <string>

class Dog {
public:
    std::string name = "Rex";
}

int main() {
    Dog dog;
    std::cout << dog.name << '\n';
}
