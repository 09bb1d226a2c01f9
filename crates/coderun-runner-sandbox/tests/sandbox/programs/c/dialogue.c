#include <stdio.h>
#include <string.h>

int main(void) {
    char name[32], line[64];
    int age;
    printf("What is your name? ");
    scanf("%31s", name);
    printf("How old are you? ");
    if (scanf("%d", &age) != 1) return 1;
    printf("Hello %s, next year you are %d.\n", name, age + 1);
    for (int c; (c = getchar()) != '\n' && c != EOF;);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        printf("[%s]\n", line);
    }
    printf("%d %d\n", feof(stdin) != 0, getchar());
}
