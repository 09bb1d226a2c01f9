using System;
using System.Threading;

class Program {
    static int total;

    static void Main() {
        var threads = new Thread[4];
        for (int i = 0; i < 4; i++) {
            int number = i + 1;
            threads[i] = new Thread(() => Interlocked.Add(ref total, number));
            threads[i].Start();
        }
        foreach (var thread in threads) thread.Join();
        Console.WriteLine(total);
    }
}
