using System;

class Program {
    static void Main() {
        int total = 0;
        string line;
        while ((line = Console.ReadLine()) != null) total += int.Parse(line);
        Console.WriteLine(total);
    }
}
