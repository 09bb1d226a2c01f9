#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    setbuf(stdout, NULL);
    int channel[2], status;
    pipe(channel);
    int *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fork() == 0) {
        close(channel[0]);
        *shared = 42;
        write(channel[1], "from the child", 14);
        _exit(7);
    }
    close(channel[1]);
    char text[32] = "";
    read(channel[0], text, sizeof text);
    wait(&status);
    printf("%s, status %d, shared %d\n", text, WEXITSTATUS(status), *shared);
    FILE *output = popen("echo hello | tr a-z A-Z", "r");
    fgets(text, sizeof text, output);
    printf("%s%d\n", text, pclose(output));
    printf("%d\n", WEXITSTATUS(system("exit 3")));
    pid_t child = fork();
    if (child == 0) { execlp("sleep", "sleep", "100", NULL); _exit(127); }
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    printf("%d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    if (fork() == 0) { char *none = NULL; *(volatile char *)none = 1; }
    wait(&status);
    printf("%s\n", strsignal(WTERMSIG(status)));
    for (int i = 0; i < 20; i++) if (fork() == 0) _exit(i);
    int sum = 0;
    while (wait(&status) > 0) sum += WEXITSTATUS(status);
    printf("%d %s\n", sum, getenv("HOME"));
}
