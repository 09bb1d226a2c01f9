#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

enum { THREADS = 16 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static long total;
static atomic_int counter;
static int ready;
static sem_t permits;

static void *add(void *argument) {
    char deep[1 << 20];
    memset(deep, (int)(long)argument, sizeof deep);
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&mutex);
        total += deep[i] == (char)(long)argument;
        pthread_mutex_unlock(&mutex);
        atomic_fetch_add(&counter, 1);
    }
    return argument;
}
static void *wait_for_it(void *unused) {
    pthread_mutex_lock(&mutex);
    while (!ready) pthread_cond_wait(&filled, &mutex);
    pthread_mutex_unlock(&mutex);
    sem_post(&permits);
    return unused;
}
static int c11(void *argument) { return *(int *)argument * 2; }
static thread_local int own = 5;
int main(void) {
    pthread_t threads[THREADS];
    long sum = 0;
    for (long i = 0; i < THREADS; i++) if (pthread_create(&threads[i], NULL, add, (void *)i)) return puts("no thread"), 1;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%ld %d %ld\n", total, counter, sum);
    sem_init(&permits, 0, 0);
    pthread_create(&threads[0], NULL, wait_for_it, NULL);
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&mutex);
    sem_wait(&permits);
    pthread_join(threads[0], NULL);
    thrd_t other;
    int n = 21, result;
    thrd_create(&other, c11, &n);
    thrd_join(other, &result);
    printf("%d %d\n", result, own);
}
