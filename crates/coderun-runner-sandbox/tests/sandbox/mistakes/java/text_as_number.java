public class Main {
    public static void main(String[] args) {
        int age = "17";
        System.out.println(age + 1);
    }
}
