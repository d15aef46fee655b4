/* filesystem.c: see filesystem.h. */
#include "filesystem.h"

#include <stddef.h>
#include <stdio.h>

#if defined(__linux__)
#include <sys/vfs.h>
#else
#include <sys/param.h>
#include <sys/mount.h>
#endif

/* magic.h of the kernel, and stat.c of GNU coreutils for those outside it. */
static const struct {
  unsigned long type;
  const char *name;
  pk_reach reach;
} types[] = {
    {0xef53, "ext4", PK_LOCAL}, /* and ext2, ext3 */
    {0x58465342, "xfs", PK_LOCAL},
    {0x9123683e, "btrfs", PK_LOCAL},
    {0x2fc12fc1, "zfs", PK_LOCAL},
    {0xca451a4e, "bcachefs", PK_LOCAL},
    {0xf2f52010, "f2fs", PK_LOCAL},
    {0x01021994, "tmpfs", PK_LOCAL},
    {0x858458f6, "ramfs", PK_LOCAL},
    {0x794c7630, "overlay", PK_LOCAL},
    {0x4d44, "vfat", PK_LOCAL},
    {0x2011bab0, "exfat", PK_LOCAL},
    {0x7366746e, "ntfs3", PK_LOCAL},
    {0x5346544e, "ntfs", PK_LOCAL},
    {0x3153464a, "jfs", PK_LOCAL},
    {0x52654973, "reiserfs", PK_LOCAL},
    {0x24051905, "ubifs", PK_LOCAL},
    {0x73717368, "squashfs", PK_LOCAL},
    {0xe0f5e1e2, "erofs", PK_LOCAL},
    {0x6969, "nfs", PK_NETWORK},
    {0x517b, "smb", PK_NETWORK},
    {0xfe534d42, "smb2", PK_NETWORK},
    {0xff534d42, "cifs", PK_NETWORK},
    {0x5346414f, "afs", PK_NETWORK}, /* and OpenAFS */
    {0x6b414653, "kafs", PK_NETWORK},
    {0x73757245, "coda", PK_NETWORK},
    {0x564c, "ncp", PK_NETWORK},
    {0x00c36400, "ceph", PK_NETWORK},
    {0x01021997, "9p", PK_NETWORK},
    {0x01161970, "gfs2", PK_NETWORK},
    {0x7461636f, "ocfs2", PK_NETWORK},
    {0x0bd00bd0, "lustre", PK_NETWORK},
    {0x47504653, "gpfs", PK_NETWORK},
    {0x19830326, "fhgfs", PK_NETWORK},
    {0x65735546, "fuse", PK_REACH_UNKNOWN},
    {0x786f4256, "vboxsf", PK_NETWORK},
    {0xbacbacbc, "vmhgfs", PK_NETWORK},
};

/* The numbers have 32 bits, and a large one may come with its sign. */
void pk_filesystem_of_type(unsigned long type, pk_filesystem *found) {
  type &= 0xffffffff;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (types[i].type != type) continue;
    found->reach = types[i].reach;
    snprintf(found->name, sizeof found->name, "%s", types[i].name);
    return;
  }
  found->reach = PK_REACH_UNKNOWN;
  snprintf(found->name, sizeof found->name, "type 0x%lx", type);
}

bool pk_filesystem_find(const char *path, pk_filesystem *found) {
  struct statfs told;
  if (statfs(path, &told) != 0) return false;
#if defined(__linux__)
  pk_filesystem_of_type((unsigned long)told.f_type, found);
#else
  found->reach = told.f_flags & MNT_LOCAL ? PK_LOCAL : PK_NETWORK;
  snprintf(found->name, sizeof found->name, "%s", told.f_fstypename);
#endif
  return true;
}
