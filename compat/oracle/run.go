package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say how much to compare. The zero value of a field means its default.
type Options struct {
	Seeds     int    // how many sequences, default 200
	FirstSeed uint64 // default 1; a reported seed is repeated with this and Seeds 1
	// Operations per sequence, default 1000. A seed means the same sequence
	// only together with this number.
	Operations int
	// QuotaEnforced says that the servers run with enforceQuota=true. Sequences
	// then pipeline less, so that what they do is determined.
	QuotaEnforced bool
	// FoundMax ends the run after so many unlisted differences, default 5.
	FoundMax int
	// MinimiseFor bounds the time spent on making a sequence that shows a
	// difference shorter, default 20 s each; negative: not at all.
	MinimiseFor time.Duration
	// Names of the two servers in the report, default "A" and "B".
	Names [2]string
	// Logf, when set, hears of progress and of each difference as it is found.
	Logf func(format string, args ...any)
}

func (o *Options) setDefaults() {
	if o.Seeds == 0 {
		o.Seeds = 200
	}
	if o.FirstSeed == 0 {
		o.FirstSeed = 1
	}
	if o.Operations == 0 {
		o.Operations = 1000
	}
	if o.FoundMax == 0 {
		o.FoundMax = 5
	}
	if o.MinimiseFor == 0 {
		o.MinimiseFor = 20 * time.Second
	}
	if o.Names == [2]string{} {
		o.Names = [2]string{"A", "B"}
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
}

// Found is one unlisted difference.
type Found struct {
	Seed    uint64
	Step    int    // the step of the sequence that showed it, from 0
	Request string // in words
	A, B    []string
	// Sequence is the shortest sequence found that shows it, in words, and
	// what the two servers did at its end.
	Sequence   []string
	ShortA     []string
	ShortB     []string
	Operations int // in Sequence
}

// Report is the outcome of a run.
type Report struct {
	Seeds      int
	Operations int
	// LeftOpen counts older connections of a session that the first server left
	// open when the session came back; see Differences.
	LeftOpen int
	Found    []Found // unlisted differences, at most one a seed
	Listed   []int   // how often each entry of Differences was seen
}

// ListedTotal is how often any listed difference was seen.
func (r *Report) ListedTotal() int {
	total := 0
	for _, n := range r.Listed {
		total += n
	}
	return total
}

// Add adds the outcome of another run.
func (r *Report) Add(other Report) {
	r.Seeds += other.Seeds
	r.Operations += other.Operations
	r.LeftOpen += other.LeftOpen
	r.Found = append(r.Found, other.Found...)
	if r.Listed == nil {
		r.Listed = make([]int, len(Differences))
	}
	for i, n := range other.Listed {
		r.Listed[i] += n
	}
}

// String prints the unlisted differences in full, the listed ones with their
// reasons, and a last line with the counts: all differences, and how many of
// them are listed.
func (r *Report) String() string {
	var b strings.Builder
	for i := range r.Found {
		b.WriteString(r.Found[i].String())
	}
	for i, d := range Differences {
		seen := ""
		switch {
		case d.Unseen != "":
			seen = "not run: " + d.Unseen
		case i < len(r.Listed):
			seen = fmt.Sprintf("seen %d times", r.Listed[i])
		}
		fmt.Fprintf(&b, "listed: %s (%s)\n    %s\n", d.Name, seen, d.Reason)
	}
	listed := r.ListedTotal()
	if r.LeftOpen > 0 {
		fmt.Fprintf(&b, "older connections of a session that ZooKeeper left open: %d\n", r.LeftOpen)
	}
	fmt.Fprintf(&b, "oracle: %d seeds, %d operations, %d differences (%d listed)\n", r.Seeds, r.Operations, len(r.Found)+listed, listed)
	return b.String()
}

// String prints the difference for a person.
func (f *Found) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "DIFFERENCE in seed %d, step %d\n  at: %s\n", f.Seed, f.Step, f.Request)
	printed := func(name string, lines []string) {
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s %s\n", name, l)
		}
	}
	printed("A:", f.A)
	printed("B:", f.B)
	if f.Sequence == nil {
		return b.String()
	}
	fmt.Fprintf(&b, "  a shorter sequence, %d operations:\n", f.Operations)
	for i, words := range f.Sequence {
		fmt.Fprintf(&b, "    %d. %s\n", i+1, words)
	}
	printed("A:", f.ShortA)
	printed("B:", f.ShortB)
	return b.String()
}

// Run compares the servers at two addresses, the first of which is the one that
// is right. Both must be freshly started or have been through the same
// sequences, have the same configuration, and be standalone, with SuperDigest
// as their super digest, maxSessionTimeout at least 600000, no connection
// limit, and no container check during the run. An error means that the
// comparison could not go on, for example because a server is gone; differences
// are no error.
func Run(ctx context.Context, addrA, addrB string, o Options) (Report, error) {
	o.setDefaults()
	report := Report{Listed: make([]int, len(Differences))}
	r := runner{options: o}
	for i, addr := range []string{addrA, addrB} {
		s, err := newSide(o.Names[i], addr)
		if err != nil {
			return report, err
		}
		defer s.close()
		r.sides[i] = s
	}
	began := time.Now()
	for seed := o.FirstSeed; seed < o.FirstSeed+uint64(o.Seeds); seed++ {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("oracle: seed %d: %w", seed, err)
		}
		out, err := r.seed(ctx, seed)
		report.Seeds++
		report.Operations += out.operations
		report.LeftOpen = r.leftOpen
		for i, n := range out.listed {
			report.Listed[i] += n
		}
		if out.found != nil {
			report.Found = append(report.Found, *out.found)
			o.Logf("%s", out.found)
		}
		if err != nil {
			return report, fmt.Errorf("oracle: seed %d: %w", seed, err)
		}
		if report.Seeds%50 == 0 {
			o.Logf("%d seeds, %d operations, %d unlisted differences, %.0f s", report.Seeds, report.Operations, len(report.Found), time.Since(began).Seconds())
		}
		if len(report.Found) >= o.FoundMax {
			break
		}
	}
	return report, nil
}

// runner takes sequences to both servers.
type runner struct {
	options Options
	sides   [2]*side
	runs    int // roots used
	// leftOpen counts older connections of a session that only coord closed.
	leftOpen int
}

// seedOutcome is what one seed brought.
type seedOutcome struct {
	operations int
	listed     []int
	found      *Found
}

func (r *runner) seed(ctx context.Context, seed uint64) (seedOutcome, error) {
	root := r.nextRoot()
	sequence := generate(seed, root, &r.options)
	out, err := r.play(root, sequence)
	result := seedOutcome{operations: out.operations, listed: out.listed}
	if err != nil || out.mismatch == nil {
		return result, err
	}
	m := out.mismatch
	result.found = &Found{Seed: seed, Step: m.step, Request: m.words, A: m.a, B: m.b}
	if r.options.MinimiseFor > 0 {
		err = r.minimise(ctx, seed, m, result.found)
	}
	return result, err
}

func (r *runner) nextRoot() string {
	r.runs++
	return rootName(r.runs)
}

// mismatch is where two transcripts part.
type mismatch struct {
	step  int
	words string // the request or step
	kind  string // what must stay when the sequence is made shorter
	a, b  []string
}

// texts returns what the two servers did from the first line that differs on,
// with one line before it.
func texts(lines []line, from int) []string {
	var out []string
	for _, l := range lines[max(0, from-1):min(len(lines), from+4)] {
		out = append(out, l.text)
	}
	if from >= len(lines) {
		out = append(out, "(nothing more)")
	}
	return out
}

// firstDifference returns the index of the first line that differs, or -1.
func firstDifference(a, b []line) int {
	for i := range min(len(a), len(b)) {
		if a[i].text != b[i].text {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// differ makes a mismatch of two transcripts, or nil when they are equal.
func differ(index int, s *step, where string, a, b []line) *mismatch {
	i := firstDifference(a, b)
	if i < 0 {
		return nil
	}
	m := &mismatch{step: index, kind: where, a: texts(a, i), b: texts(b, i)}
	request := -1
	for _, lines := range [][]line{a, b} {
		// An event belongs to the request that is answered next.
		if at := slices.IndexFunc(lines[min(i, len(lines)):], func(l line) bool { return l.request >= 0 }); at >= 0 && request < 0 {
			request = lines[i+at].request
		}
	}
	if request >= 0 && s.kind == stepBatch {
		m.words = fmt.Sprintf("connection %d, request %d of %d, %s", s.slot, request+1, len(s.requests), s.requests[request].words())
		m.kind += " " + opWord(s.requests[request].rec.Op)
	} else {
		m.words = where + " after: " + s.words()
	}
	return m
}
