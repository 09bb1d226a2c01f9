// Lets user-mode Linux 6.1 run on processors whose extended registers are larger than it knows, such as those with AMX.
//
// The kernel takes such registers only as a whole (`ptrace(2)`, `NT_X86_XSTATE`). User-mode Linux gives their beginning, whose length
// was fixed when it was built, and ends with "put_fp_registers" in its trace when that is refused. So the rest is added: as it is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef long ptrace_function(enum __ptrace_request request, ...);

long ptrace(enum __ptrace_request request, ...) {
    va_list arguments;
    va_start(arguments, request);
    pid_t pid = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *), *data = va_arg(arguments, void *);
    va_end(arguments);

    static ptrace_function *next;
    // Not on the stack: that of a kernel is small. Its only thread comes here.
    static char registers[1 << 16];
    if (!next) next = (ptrace_function *)dlsym(RTLD_NEXT, "ptrace");
    long result = next(request, pid, address, data);
    if (result != -1 || errno != EFAULT || request != PTRACE_SETREGSET || (uintptr_t)address != NT_X86_XSTATE) return result;

    const struct iovec *beginning = data;
    struct iovec whole = {registers, sizeof registers};
    if (next(PTRACE_GETREGSET, pid, address, &whole) == -1) return -1;
    if (beginning->iov_len >= whole.iov_len) {
        errno = EFAULT;
        return -1;
    }
    memcpy(registers, beginning->iov_base, beginning->iov_len);
    return next(PTRACE_SETREGSET, pid, address, &whole);
}
