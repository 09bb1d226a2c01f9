public class Main {
    public static void Main(String[] args) {
        System.out.println("Hello");
    }
}
