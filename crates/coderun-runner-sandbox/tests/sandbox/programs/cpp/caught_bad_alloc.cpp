#include <iostream>
#include <new>

int main() {
    try {
        volatile char *huge = new char[1L << 60];
        huge[0] = 1;
        std::cout << (huge != nullptr) << '\n';
    } catch (const std::bad_alloc &error) {
        std::cerr << error.what() << '\n';
        std::cout << "none left, going on\n";
    }
}
