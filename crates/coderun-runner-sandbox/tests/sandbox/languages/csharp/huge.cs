using System;
using System.Collections.Generic;

class Program {
    static void Main() {
        var kept = new List<byte[]>();
        while (true) kept.Add(new byte[int.MaxValue - 100]);
    }
}
