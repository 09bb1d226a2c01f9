using System;

public class Program {
    public static void Main() {
        int total = 3 + 4;
        Console.WriteLine(totl);
    }
}
