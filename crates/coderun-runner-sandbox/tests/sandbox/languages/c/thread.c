#include <pthread.h>
#include <stdio.h>

static void *same(void *number) { return number; }

int main(void) {
    pthread_t threads[4];
    long total = 0;
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, same, (void *)(i + 1));
    for (int i = 0; i < 4; i++) {
        void *number;
        pthread_join(threads[i], &number);
        total += (long)number;
    }
    printf("%ld\n", total);
}
