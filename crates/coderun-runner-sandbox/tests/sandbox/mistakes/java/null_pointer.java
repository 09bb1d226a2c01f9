public class Main {
    static String name;

    public static void main(String[] args) {
        System.out.println("Your name has " + name.length() + " letters");
    }
}
