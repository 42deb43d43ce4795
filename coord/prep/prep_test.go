package prep

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"kafkacoord/coord/wire"
)

// The files in testdata hold requests and the transactions they come to. Their
// commands:
//
//	new [extended] [quota] [nolist] [leader] [reconfig] [nodigest]
//	                 a fresh server with session 1
//	session ID [owner=N] [closing]
//	prep             one request a line, the parts of a multi indented below it;
//	                 nothing is applied
//	do               the same, each applied before the next
//	apply [N]        applies transactions in flight: N, or all
//	cversion PATH N  makes the tree create PATH with parentCversion N
//	digest           predicted, and computed anew from the tree
//	tree             the stored fields of the tree
//
// A request is: operation, path (quoted when it has odd characters), and of
// data= flags= ttl= v= acl=PERMS:SCHEME:ID,… (or none) ids=SCHEME:ID,… s=SESSION
// owner=N timeout=, undecodable.
func TestPrep(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, file string) {
		var s *server
		datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
			if s != nil {
				s.t = t
			}
			switch d.Cmd {
			case "new":
				s = newServer(t, Config{
					ExtendedTypes: d.HasArg("extended"), EnforceQuota: d.HasArg("quota"),
					CloseSessionTxn: !d.HasArg("nolist"), Standalone: !d.HasArg("leader"),
					ReconfigEnabled: d.HasArg("reconfig"), Digest: !d.HasArg("nodigest"),
				})
				s.sessions.Create(1, 10000, 0)
				return ""
			case "session":
				return addSession(s, d)
			case "prep", "do":
				return runRequests(s, d)
			case "apply":
				n := len(s.inFlight)
				if len(d.CmdArgs) > 0 {
					n = number(d, d.CmdArgs[0].Key)
				}
				s.apply(n)
				return fmt.Sprintf("%d in flight", len(s.inFlight))
			case "cversion":
				s.zxid++
				s.tree.Apply(&wire.Txn{
					Zxid: s.zxid, Type: wire.OpCreate, Path: d.CmdArgs[0].Key,
					ACL: wire.OpenACL, ParentCversion: int32(number(d, d.CmdArgs[1].Key)),
				})
				return ""
			case "digest":
				return fmt.Sprintf("predicted %x, tree %x", s.prep.Digest(), digestFromScratch(s.tree))
			case "tree":
				return dump(s.tree)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func number(d *datadriven.TestData, text string) int {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", d.Pos, err))
	}
	return int(n)
}

func addSession(s *server, d *datadriven.TestData) string {
	added := s.sessions.Create(wire.SessionID(number(d, d.CmdArgs[0].Key)), 10000, 0)
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "owner":
			s.sessions.SetOwner(added, uint64(number(d, arg.Vals[0])))
		case "closing":
			s.sessions.SetClosing(added)
		}
	}
	return ""
}

func runRequests(s *server, d *datadriven.TestData) string {
	var requests []Request
	for line := range strings.Lines(d.Input) {
		r := parseRequest(d, line)
		if strings.HasPrefix(line, " ") {
			multi := requests[len(requests)-1].Req
			multi.Subs = append(multi.Subs, *r.Req)
			continue
		}
		requests = append(requests, r)
	}
	var out strings.Builder
	for _, r := range requests {
		txn, code := s.request(r)
		fmt.Fprintln(&out, describe(&txn, code))
		if d.Cmd == "do" {
			s.apply(len(s.inFlight))
		}
	}
	return out.String()
}

var operations = map[string]wire.Op{
	"create": wire.OpCreate, "create2": wire.OpCreate2, "container": wire.OpCreateContainer, "ttl": wire.OpCreateTTL,
	"delete": wire.OpDelete, "set": wire.OpSetData, "setACL": wire.OpSetACL, "check": wire.OpCheck,
	"multi": wire.OpMulti, "deleteContainer": wire.OpDeleteContainer, "reconfig": wire.OpReconfig,
	"createSession": wire.OpCreateSession, "closeSession": wire.OpCloseSession, "sync": wire.OpSync,
}

func parseRequest(d *datadriven.TestData, line string) Request {
	fields := strings.Fields(line)
	q := &wire.Request{Op: operations[fields[0]], TTL: -1, Version: -1, ACL: wire.OpenACL}
	r := Request{Session: 1, Cxid: 7, Req: q}
	if q.Op == wire.OpReconfig {
		q.Reconfig = &wire.ReconfigRequest{}
	}
	for _, f := range fields[1:] {
		key, value, found := strings.Cut(f, "=")
		if !found || f[0] == '/' || f[0] == '"' {
			if f == "undecodable" {
				r.Undecodable = true
			} else if unquoted, err := strconv.Unquote(f); err == nil {
				q.Path = unquoted
			} else {
				q.Path = f
			}
			continue
		}
		switch key {
		case "data":
			q.Data = []byte(value)
		case "flags":
			q.Flags = int32(number(d, value))
		case "ttl":
			q.TTL = int64(number(d, value))
		case "v":
			q.Version = int32(number(d, value))
		case "timeout":
			q.Timeout = int32(number(d, value))
		case "acl":
			q.ACL = nil
			if value != "none" {
				q.ACL = parseACL(value)
			}
		case "ids":
			for _, id := range strings.Split(value, ",") {
				scheme, name, _ := strings.Cut(id, ":")
				r.IDs = append(r.IDs, wire.ID{Scheme: scheme, ID: name})
			}
		case "s":
			r.Session = wire.SessionID(number(d, value))
		case "owner":
			r.Owner = uint64(number(d, value))
		default:
			panic(fmt.Sprintf("%s: %s?", d.Pos, f))
		}
	}
	return r
}
