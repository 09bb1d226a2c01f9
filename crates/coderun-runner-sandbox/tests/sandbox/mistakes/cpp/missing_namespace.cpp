#include <iostream>

int main() {
    cout << "Hello" << endl;
}
