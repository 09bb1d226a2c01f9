#include <iostream.h>

int main() {
    cout << "Hello" << endl;
}
