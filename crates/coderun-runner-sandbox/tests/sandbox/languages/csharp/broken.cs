using System;

class Program {
    static void Main() {
        int number = "a word";
    }
}
