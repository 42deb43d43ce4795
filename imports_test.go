// The tests of this file hold the whole tree to its layers: which package may
// import which, which packages stay free of the outside world, where goroutines
// start, and that every package says what it is for.
package kafkacoord_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "kafkacoord"

// mayImport names, for each package of the server, the packages of the server
// that it may import. A package that is missing here fails the test: decide
// its layer first. "*" allows everything.
var mayImport = map[string][]string{
	// Pure: values in, values out.
	"coord/wire":    {},
	"coord/auth":    {"coord/wire"},
	"coord/tree":    {"coord/wire"},
	"coord/watch":   {"coord/wire", "coord/tree"},
	"coord/session": {"coord/wire"},
	"coord/prep":    {"coord/wire", "coord/tree", "coord/auth", "coord/session"},
	"coord/zab":     {"coord/wire"},
	"coord/core": {
		"coord/wire", "coord/auth", "coord/tree", "coord/watch", "coord/session", "coord/prep", "coord/zab",
	},

	// Edges: sockets, files, clocks.
	"coord/config":    {},
	"coord/metrics":   {},
	"coord/vfs":       {},
	"coord/store":     {"coord/wire", "coord/tree", "coord/vfs"},
	"coord/secure":    {"coord/wire", "coord/config"},
	"coord/peernet":   {"coord/wire", "coord/secure", "coord/metrics"},
	"coord/clientnet": {"coord/wire", "coord/secure", "coord/metrics"},
	"coord/replica":   {"coord/wire", "coord/tree", "coord/zab", "coord/core", "coord/store", "coord/metrics"},
	"coord/admin":     {"coord/config", "coord/metrics"},
	"coord/sim": {
		"coord/wire", "coord/auth", "coord/tree", "coord/session", "coord/prep", "coord/zab", "coord/core", "coord/store", "coord/vfs",
	},

	// Above the server.
	"coord/client": {"coord/wire", "coord/secure"},
	"coord/bench":  {"coord/wire", "coord/client", "coord/secure"},
	"coord": {
		"coord/wire", "coord/auth", "coord/tree", "coord/session", "coord/prep", "coord/zab", "coord/core", "coord/config", "coord/metrics",
		"coord/vfs", "coord/store", "coord/secure", "coord/peernet", "coord/clientnet", "coord/replica", "coord/admin",
	},
	"coord/cmd/coord": {"*"},
}

// besideMayImport is the same for the trees beside the server, by the first
// element of the path. They see of the server its formats, its client and its
// readers of files; integration, which runs whole processes, may see all.
var besideMayImport = map[string][]string{
	// The readers of files take a file system of coord/vfs and give a tree of
	// coord/tree, which also knows what a transaction of the log does.
	"kafkameta":   {"coord/wire", "coord/client", "coord/store", "coord/tree", "coord/vfs", "kafkameta"},
	"compat":      {"coord/wire", "coord/client", "coord/store", "kafkameta", "compat", "integration"},
	"deploy":      {"deploy"},
	"dashboards":  {"dashboards"},
	"integration": {"*"},
}

// purePackages decide and never act. They take the time and random numbers as
// arguments.
var purePackages = []string{
	"coord/wire", "coord/auth", "coord/tree", "coord/watch", "coord/session", "coord/prep", "coord/zab", "coord/core",
}

// valuePackages are what a pure package may import of the standard library:
// packages whose functions depend on nothing but their arguments. hash/maphash
// is among them although its seeds differ from process to process: so do those
// of the built-in map, and as there, nothing may depend on an order they give.
var valuePackages = map[string]bool{
	"bytes": true, "cmp": true, "crypto/hmac": true, "crypto/md5": true, "crypto/sha1": true, "crypto/sha256": true,
	"crypto/sha3": true, "crypto/sha512": true, "crypto/subtle": true, "crypto/x509/pkix": true,
	"encoding": true, "encoding/base64": true, "encoding/binary": true, "encoding/hex": true,
	"errors": true, "fmt": true, "hash": true, "hash/adler32": true, "hash/crc32": true,
	"hash/fnv": true, "hash/maphash": true, "iter": true, "maps": true, "math": true, "math/bits": true, "net/netip": true, "path": true,
	"regexp": true, "slices": true, "sort": true, "strconv": true, "strings": true, "unicode": true,
	"unicode/utf16": true, "unicode/utf8": true, "unsafe": true, "container/heap": true, "container/list": true,
	"io": true, "time": true,
}

// forbiddenInPure are the names that would let the world in through a value
// package. Of time only durations and calendar values are left.
var forbiddenInPure = map[string][]string{
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Local", "LoadLocation"},
}

// goroutineStarters are the packages of the server in which `go` may stand.
// The trees beside the server, which test it, are free.
var goroutineStarters = []string{
	"coord", "coord/replica", "coord/peernet", "coord/clientnet", "coord/admin", "coord/client", "coord/bench",
}

// vagueNames say nothing about what a package or file holds.
var vagueNames = []string{"util", "utils", "common", "base", "helper", "helpers", "manager", "misc"}

// sourcePackage is one directory's Go files without its tests.
type sourcePackage struct {
	path  string // relative to the module, "." for its root
	files map[string]*ast.File
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range parsePackages(t) {
		allowed, known := allowedImports(p.path)
		if !known {
			t.Errorf("%s: no row in mayImport of imports_test.go; decide its layer and add one", p.path)
			continue
		}
		for name, file := range p.files {
			for _, imported := range importsOf(file) {
				inside, ok := strings.CutPrefix(imported, module+"/")
				if ok && !matches(allowed, inside) {
					t.Errorf("%s/%s imports %s: %s may import %v only", p.path, name, inside, p.path, allowed)
				}
			}
		}
	}
}

func TestPurePackagesTouchNoWorld(t *testing.T) {
	for _, p := range parsePackages(t) {
		if !slices.Contains(purePackages, p.path) {
			continue
		}
		for name, file := range p.files {
			for _, imported := range importsOf(file) {
				if !strings.HasPrefix(imported, module+"/") && !valuePackages[imported] {
					t.Errorf("%s/%s imports %s, which a pure package may not", p.path, name, imported)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				selector, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				identifier, ok := selector.X.(*ast.Ident)
				if ok && slices.Contains(forbiddenInPure[identifier.Name], selector.Sel.Name) {
					t.Errorf("%s/%s uses %s.%s: time, randomness and output come and go as values in a pure package",
						p.path, name, identifier.Name, selector.Sel.Name)
				}
				return true
			})
		}
	}
}

func TestGoroutinesStartOnlyAtTheEdge(t *testing.T) {
	for _, p := range parsePackages(t) {
		if !strings.HasPrefix(p.path+"/", "coord/") || strings.HasPrefix(p.path, "coord/cmd/") ||
			slices.Contains(goroutineStarters, p.path) {
			continue
		}
		for name, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s/%s has a go statement; only %v and coord/cmd may", p.path, name, goroutineStarters)
				case *ast.CallExpr:
					selector, ok := n.Fun.(*ast.SelectorExpr)
					if ok && selector.Sel.Name == "Go" && len(n.Args) == 1 {
						t.Errorf("%s/%s starts a goroutine with Go; only %v and coord/cmd may", p.path, name, goroutineStarters)
					}
				}
				return true
			})
		}
	}
}

func TestEveryPackageSaysOnceWhatItIsFor(t *testing.T) {
	for _, p := range parsePackages(t) {
		var documented []string
		for name, file := range p.files {
			if file.Doc != nil {
				documented = append(documented, name)
			}
		}
		if len(documented) != 1 {
			t.Errorf("%s has %d package comments %v, want one", p.path, len(documented), documented)
		}
	}
}

func TestNamesSayWhatIsInside(t *testing.T) {
	for _, p := range parsePackages(t) {
		if slices.Contains(vagueNames, path.Base(p.path)) {
			t.Errorf("package %s: %q says nothing about what it holds", p.path, path.Base(p.path))
		}
		for name := range p.files {
			if slices.Contains(vagueNames, strings.TrimSuffix(name, ".go")) {
				t.Errorf("file %s/%s: its name says nothing about what it holds", p.path, name)
			}
		}
	}
}

// TestTableHasNoCycle keeps the table itself honest: a package that allows
// itself, by way of others, would allow what the table is there to forbid.
func TestTableHasNoCycle(t *testing.T) {
	state := make(map[string]int) // 1 = on the way, 2 = done
	var visit func(name string, trail []string)
	visit = func(name string, trail []string) {
		trail = append(trail, name)
		if state[name] == 1 {
			t.Fatalf("mayImport has a cycle: %s", strings.Join(trail, " → "))
		}
		if state[name] == 2 {
			return
		}
		state[name] = 1
		for _, next := range mayImport[name] {
			if next != "*" {
				visit(next, trail)
			}
		}
		state[name] = 2
	}
	for _, name := range slices.Sorted(maps.Keys(mayImport)) {
		visit(name, nil)
	}
}

// allowedImports finds the row for a package and whether there is one.
func allowedImports(packagePath string) ([]string, bool) {
	if allowed, ok := mayImport[packagePath]; ok {
		return allowed, true
	}
	if strings.HasPrefix(packagePath, "coord/cmd/coord/") {
		return []string{"*"}, true
	}
	first, _, _ := strings.Cut(packagePath, "/")
	allowed, ok := besideMayImport[first]
	return allowed, ok
}

// matches reports whether the imported package has an entry. An entry without
// a slash stands for its whole tree.
func matches(allowed []string, imported string) bool {
	return slices.ContainsFunc(allowed, func(entry string) bool {
		return entry == "*" || entry == imported ||
			!strings.Contains(entry, "/") && strings.HasPrefix(imported, entry+"/")
	})
}

func importsOf(file *ast.File) []string {
	imports := make([]string, 0, len(file.Imports))
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			imports = append(imports, name)
		}
	}
	return imports
}

// parsePackages reads every Go file of the module but the tests. Directories
// that the go command ignores are left out.
func parsePackages(t *testing.T) []sourcePackage {
	t.Helper()
	packages := make(map[string]sourcePackage)
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			ignored := base == "testdata" || base == "vendor" ||
				name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
			if ignored {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", name, err)
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		p, ok := packages[dir]
		if !ok {
			p = sourcePackage{path: dir, files: make(map[string]*ast.File)}
			packages[dir] = p
		}
		p.files[base] = parsed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) == 0 {
		t.Fatal("no packages found: the test does not run at the module's root")
	}
	return slices.SortedFunc(maps.Values(packages), func(a, b sourcePackage) int { return strings.Compare(a.path, b.path) })
}
