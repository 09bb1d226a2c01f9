using System.Threading;

class Program {
    static void Main() {
        for (int i = 0; i < 1000; i++) new Thread(() => Thread.Sleep(60000)).Start();
    }
}
