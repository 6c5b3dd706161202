// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Testing

@testable import SessionStore

@Suite struct MountedFileSystemTests {
    static let efs =
        "rw,vers=4.1,rsize=1048576,wsize=1048576,namlen=255,hard,noresvport,proto=tcp,timeo=600,retrans=2,"
        + "sec=sys,clientaddr=169.254.0.1,local_lock=none,addr=127.0.0.1"

    func table(_ options: String) -> String {
        """
        22 1 254:1 / / rw,relatime - ext4 /dev/vda rw
        23 22 0:21 / /proc rw,nosuid - proc proc rw
        31 22 0:40 / /mnt/agents rw,relatime - nfs4 127.0.0.1:/ \(options)
        32 22 0:41 / /mnt/with\\040blank rw shared:7 master:2 - tmpfs tmpfs rw,size=1024k
        33 31 0:42 / /mnt/agents/local rw - tmpfs tmpfs rw
        malformed
        """
    }

    @Test(arguments: [
        ("/mnt/agents", "nfs4"), ("/mnt/agents/support", "nfs4"), ("/mnt/agents2", "ext4"), ("/", "ext4"),
        ("/mnt/with blank/a", "tmpfs"), ("/mnt/agents/local/x", "tmpfs"),
    ])
    func `a folder is on the file system that is mounted nearest above it`(path: String, type: String) {
        #expect(MountedFileSystem(of: path, in: table(Self.efs))?.type == type)
    }

    @Test func `the mount as Lambda makes it is fine`() throws {
        var mounted = try #require(MountedFileSystem(of: "/mnt/agents", in: table(Self.efs)))
        #expect(mounted.isNFS)
        #expect(mounted.objection == nil)
        mounted.recoversLostLocks = true
        #expect(mounted.objection?.contains("recover_lost_locks") == true)
    }

    @Test(arguments: ["nolock", "local_lock=all", "local_lock=posix", "soft", "softerr"])
    func `a mount that loses locks or writes is refused by name`(option: String) throws {
        let mounted = try #require(MountedFileSystem(of: "/mnt/agents", in: table("rw,\(option),vers=3")))
        #expect(mounted.objection?.contains("/mnt/agents is mounted with \(option):") == true)
    }

    @Test(arguments: ["local_lock=flock", "softreval", "local_lock=none"])
    func `an option that only looks alike is not`(option: String) throws {
        let mounted = try #require(MountedFileSystem(of: "/mnt/agents", in: table("rw,\(option)")))
        #expect(mounted.objection == nil)
    }

    @Test func `a local file system is fine whatever the NFS client does`() throws {
        var mounted = try #require(MountedFileSystem(of: "/tmp", in: table("nolock")))
        mounted.recoversLostLocks = true
        #expect(mounted.objection == nil)
        #expect(MountedFileSystem(of: "/tmp", in: "") == nil)
    }

    @Test(arguments: [("/mnt/agents", 90), ("/mnt/with blank", 10), ("/mnt/other", nil), ("/", nil)])
    func `the server's lease time is read from the client's statistics`(path: String, seconds: Int?) {
        let statistics = """
            device /dev/vda mounted on / with fstype ext4
            device 127.0.0.1:/ mounted on /mnt/agents with fstype nfs4 statvers=1.1
            \topts:\trw,vers=4.1,hard
            \tnfsv4:\tbm0=0xfdffbfff,bm1=0xf9be3e,bm2=0x68800,acl=0x3,sessions,pnfs=not configured,lease_time=90,lease_expired=0
            \tbytes:\t0 0 0
            device 10.0.0.1:/ mounted on /mnt/with\\040blank with fstype nfs4 statvers=1.1
            \tnfsv4:\tbm0=0xfdffbfff,lease_time=10,lease_expired=0
            device 10.0.0.1:/ mounted on /mnt/other with fstype nfs statvers=1.1
            """
        #expect(MountedFileSystem.leaseTime(at: path, in: statistics) == seconds.map { .seconds($0) })
    }
}
