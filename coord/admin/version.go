package admin

// What the binary says about itself; set at build time with
// -ldflags "-X kafkacoord/coord/admin.revision=…".
var (
	// revision stands where ZooKeeper shows its git commit: 40 hex digits.
	revision = "6b61666b61636f6f72642d7a6f6f6b6565706572"
	// built is the build date in ZooKeeper's form.
	built = "2026-11-22 00:00 UTC"
	// product is our own version.
	product = "dev"
)

// EmulatedRelease is the ZooKeeper release whose behaviour and texts this
// server shows. Exporters read the numbers out of it.
const EmulatedRelease = "3.9.4"

// Version is the version text in ZooKeeper's form:
// "3.9.4-<40 hex digits>, built on 2026-11-22 00:00 UTC".
func Version() string { return EmulatedRelease + "-" + revision + ", built on " + built }

// ProductVersion is the version of this server itself, shown in envi and in
// the metric coord_build_info.
func ProductVersion() string { return product }
