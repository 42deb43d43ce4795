package change

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// Plan is a change that was looked at and not made yet. It stays valid as long
// as the nodes it names have the versions it counts on.
type Plan struct {
	Title string
	// Notes are what whoever confirms the plan should know.
	Notes []string
	Steps []Step
}

// Step is one request of a plan: one operation, or several that happen
// together or not at all.
type Step struct {
	Reason     string
	Operations []wire.Request // with paths relative to the chroot
	// Tolerated are refusals that mean the step is not needed.
	Tolerated []wire.Code
	// Consumed says that Kafka takes away, or works on, what the step writes:
	// it cannot be read back.
	Consumed bool
}

// Empty says whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// writes says whether a step creates, sets or deletes a node.
func (p *Plan) writes(path string) bool { return writes(p.Steps, path) }

func writes(steps []Step, path string) bool {
	return slices.ContainsFunc(steps, func(s Step) bool {
		return slices.ContainsFunc(s.Operations, func(o wire.Request) bool { return o.Path == path && o.Op != wire.OpCheck })
	})
}

// Print shows the plan to people. Secrets are not shown.
func (p *Plan) Print(w io.Writer) error {
	_, err := io.WriteString(w, p.String())
	return err
}

// String is what Print prints.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Title)
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "  note: %s\n", note)
	}
	if p.Empty() {
		b.WriteString("  nothing to do\n")
	}
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, s.Reason)
		for _, o := range s.Operations {
			fmt.Fprintf(&b, "     %s\n", operationText(&o))
		}
		if len(s.Tolerated) > 0 {
			fmt.Fprintf(&b, "     (not needed when the server says: %s)\n", codesText(s.Tolerated))
		}
	}
	return b.String()
}

func codesText(codes []wire.Code) string {
	text := make([]string, len(codes))
	for i, c := range codes {
		text[i] = c.String()
	}
	return strings.Join(text, ", ")
}

// operationText shows an operation with what it demands.
func operationText(o *wire.Request) string {
	switch o.Op {
	case wire.OpCheck:
		return fmt.Sprintf("check %s has version %d", o.Path, o.Version)
	case wire.OpCreate:
		kind := ""
		if o.Flags == wire.FlagPersistentSequential {
			kind = " with the next number"
		}
		return fmt.Sprintf("create %s%s: %s", o.Path, kind, dataText(o))
	case wire.OpDelete:
		return fmt.Sprintf("delete %s%s", o.Path, versionText(o.Version))
	default:
		return fmt.Sprintf("set %s%s: %s", o.Path, versionText(o.Version), dataText(o))
	}
}

func versionText(version int32) string {
	if version == client.AnyVersion {
		return ""
	}
	return fmt.Sprintf(" at version %d", version)
}

// dataText shows a payload. Whoever reads plans in a terminal or a log need
// not learn what only brokers may read.
func dataText(o *wire.Request) string {
	switch {
	case o.Data == nil:
		return "null"
	case slices.ContainsFunc(model.SensitivePaths, func(prefix string) bool { return strings.HasPrefix(o.Path, prefix) }):
		return fmt.Sprintf("%d bytes, not shown", len(o.Data))
	default:
		return string(o.Data)
	}
}
