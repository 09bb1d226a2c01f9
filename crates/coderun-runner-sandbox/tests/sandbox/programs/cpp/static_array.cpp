#include <iostream>

long long squares[50'000'000];
int main() {
    for (long i = 0; i < 50'000'000; i++) squares[i] = i * i;
    std::cout << squares[7] << '\n';
}
