#define EIGHT(x) x x x x x x x x
#define MANY(x) EIGHT(EIGHT(EIGHT(EIGHT(EIGHT(EIGHT(EIGHT(EIGHT(x))))))))
const char *text = MANY("long");
int main(void) { return 0; }
