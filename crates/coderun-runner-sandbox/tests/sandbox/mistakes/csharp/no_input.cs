using System;

public class Program {
    public static void Main() {
        int age = int.Parse(Console.ReadLine());
        Console.WriteLine(age + 1);
    }
}
