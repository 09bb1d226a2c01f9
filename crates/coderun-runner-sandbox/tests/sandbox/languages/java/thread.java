import java.util.concurrent.atomic.AtomicInteger;

public class Main {
    public static void main(String[] args) throws InterruptedException {
        AtomicInteger total = new AtomicInteger();
        Thread[] threads = new Thread[4];
        for (int i = 0; i < 4; i++) {
            int number = i + 1;
            threads[i] = new Thread(() -> total.addAndGet(number));
            threads[i].start();
        }
        for (Thread thread : threads) thread.join();
        System.out.println(total);
    }
}
