#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    FILE *file = fopen("marks.txt", "w+");
    if (!file) return perror("marks.txt"), 1;
    fprintf(file, "%s %d\n%s %d\n", "Ada", 95, "Grace", 91);
    rewind(file);
    char name[32];
    int mark, sum = 0;
    while (fscanf(file, "%31s %d", name, &mark) == 2) sum += mark;
    printf("%d, %ld bytes\n", sum, ftell(file));
    fclose(file);

    struct point { int x, y; } written[2] = {{1, 2}, {3, 4}}, read[2];
    file = fopen("points.bin", "wb+");
    fwrite(written, sizeof written[0], 2, file);
    fseek(file, sizeof written[0], SEEK_SET);
    printf("%zu", fread(read, sizeof read[0], 2, file));
    printf(" %d\n", read[0].y);
    fclose(file);

    mkdir("folder", 0755);
    rename("points.bin", "folder/renamed");
    DIR *folder = opendir("folder");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') puts(entry->d_name);
    closedir(folder);
    struct stat status;
    stat("folder/renamed", &status);
    printf("%lld %d\n", (long long)status.st_size, S_ISREG(status.st_mode));
    remove("folder/renamed");
    printf("%d\n", rmdir("folder"));
    if (!fopen("missing", "r")) printf("%s\n", strerror(errno));
    FILE *temporary = tmpfile();
    fputs("line one\nline two\n", temporary);
    rewind(temporary);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, temporary) > 0) printf("> %s", line);
    free(line);
}
