#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void) {
    struct tm day = {.tm_year = 124, .tm_mon = 1, .tm_mday = 28 + 2};
    time_t moment = timegm(&day);
    char text[64];
    strftime(text, sizeof text, "%A %d %B %Y", gmtime(&moment));
    puts(text);
    time_t zero = 0;
    printf("%s", asctime(localtime(&zero)));
    setenv("TZ", "Europe/Vienna", 1);
    tzset();
    time_t summer = 1782900000;
    strftime(text, sizeof text, "%F %T %Z", localtime(&summer));
    puts(text);
    printf("%.0f\n", difftime(moment, zero) / 86400);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double passed = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("%d %d %d\n", passed >= 0.05 && passed < 5, time(NULL) > 1700000000, clock() >= 0);
}
