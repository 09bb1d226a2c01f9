public class Main {
    public static void main(String[] args) {
        long[][] blocks = new long[1000][];
        for (int i = 0; i < blocks.length; i++) blocks[i] = new long[100_000_000];
        System.out.println(blocks.length);
    }
}
