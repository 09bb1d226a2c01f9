public class Main {
    public static void main(String[] args) {
        int total = 3 + 4;
        System.out.println("You pay " + totl);
    }
}
