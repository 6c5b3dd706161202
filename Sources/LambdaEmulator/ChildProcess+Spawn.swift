// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension ChildProcess {
    /// Starts `path` without arguments in `directory`, with this environment and nothing else of ours: standard input
    /// is `/dev/null`, standard output and error are `output`, every other descriptor is closed, signals are at their
    /// defaults.
    ///
    /// The child leads a process group of its own in our session. When we are killed with a stopped child, its group is
    /// "newly orphaned" and POSIX has the kernel send it SIGHUP and SIGCONT: a frozen sandbox does not outlive us.
    static func spawn(path: String, environment: [String: String], directory: String, output: Int32)
        throws(EmulatorError) -> ChildProcess
    {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        try check(posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init")
        defer { posix_spawn_file_actions_destroy(&actions) }
        try check(posix_spawnattr_init(&attributes), "posix_spawnattr_init")
        defer { posix_spawnattr_destroy(&attributes) }

        // The output first: with our own standard descriptors closed, the pipe itself may be number 0.
        for target in [STDOUT_FILENO, STDERR_FILENO] {
            try check(posix_spawn_file_actions_adddup2(&actions, output, target), "posix_spawn_file_actions_adddup2")
        }
        try check(
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
            "posix_spawn_file_actions_addopen")
        guard let changeDirectory = symbol("posix_spawn_file_actions_addchdir_np") else {
            throw EmulatorError(
                .cannotSpawn, call: "posix_spawn_file_actions_addchdir_np", cause: "not in this C library")
        }
        try check(
            unsafeBitCast(changeDirectory, to: ChangeDirectory.self)(&actions, directory),
            "posix_spawn_file_actions_addchdir_np")
        var flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        #if canImport(Darwin)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #else
        // musl has no such thing: there a descriptor that was opened without O_CLOEXEC reaches the child.
        if let closeFrom = symbol("posix_spawn_file_actions_addclosefrom_np") {
            try check(
                unsafeBitCast(closeFrom, to: CloseFrom.self)(&actions, STDERR_FILENO + 1),
                "posix_spawn_file_actions_addclosefrom_np")
        }
        #endif
        var signals = sigset_t()
        sigfillset(&signals)
        try check(posix_spawnattr_setsigdefault(&attributes, &signals), "posix_spawnattr_setsigdefault")
        sigemptyset(&signals)
        try check(posix_spawnattr_setsigmask(&attributes, &signals), "posix_spawnattr_setsigmask")
        try check(posix_spawnattr_setpgroup(&attributes, 0), "posix_spawnattr_setpgroup")
        try check(posix_spawnattr_setflags(&attributes, Int16(flags)), "posix_spawnattr_setflags")

        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(path), nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var pid: pid_t = 0
        try check(posix_spawn(&pid, path, &actions, &attributes, &arguments, &variables), "posix_spawn")
        return ChildProcess(leader: pid)
    }

    #if canImport(Darwin)
    private typealias Actions = posix_spawn_file_actions_t?
    #else
    private typealias Actions = posix_spawn_file_actions_t
    #endif
    private typealias ChangeDirectory =
        @convention(c) (UnsafeMutablePointer<Actions>, UnsafePointer<CChar>) -> Int32
    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<Actions>, Int32) -> Int32

    /// The headers show some functions under `_GNU_SOURCE` only: Swift's module of the C library does not have them.
    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        dlsym(dlopen(nil, RTLD_NOW), name)
    }

    /// The posix_spawn family returns the error number instead of setting errno.
    private static func check(_ code: Int32, _ call: String) throws(EmulatorError) {
        guard code != 0 else { return }
        throw EmulatorError(
            .cannotSpawn, call: call, cause: String(cString: strerror(code)),
            isRetryable: code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE)
    }
}
