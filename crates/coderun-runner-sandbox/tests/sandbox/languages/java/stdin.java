import java.util.Scanner;

public class Sum {
    public static void main(String[] args) {
        Scanner input = new Scanner(System.in);
        int total = 0;
        while (input.hasNextInt()) total += input.nextInt();
        System.out.println(total);
    }
}
