import java.io.*;

public class Main {
    public static void main(String[] args) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        System.out.println(input.readLine());
        System.out.println("žluťoučký 🐎");
    }
}
