#include <assert.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf back;
static volatile sig_atomic_t caught;
static void note(int signal) { caught = signal; }
static void fail(int code) { longjmp(back, code); }
static void goodbye(void) { puts("goodbye"); }
int main(void) {
    int code = setjmp(back);
    if (code == 0) fail(3);
    printf("caught %d\n", code);
    char *end;
    errno = 0;
    long number = strtol("12abc", &end, 10);
    printf("%ld %s %d\n", number, end, errno);
    strtol("99999999999999999999", NULL, 10);
    printf("%s\n", strerror(errno));
    signal(SIGUSR1, note);
    raise(SIGUSR1);
    printf("%d %d\n", caught == SIGUSR1, isnan(sqrt(-1.0)) != 0);
    atexit(goodbye);
    fprintf(stderr, "about to fail\n");
    exit(EXIT_FAILURE);
}
