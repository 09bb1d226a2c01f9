public class Main {
    static int largest(int a, int b) {
        if (a > b) {
            return a;
        }
    }

    public static void main(String[] args) {
        System.out.println(largest(1, 2));
    }
}
