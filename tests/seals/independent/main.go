// SPDX-License-Identifier: Apache-2.0

// Checks seals and proofs without a line of ours: signed notes by golang.org/x/mod/sumdb/note, trees and proofs by
// github.com/transparency-dev/merkle.
//
//	independent VKEY-FILE <LIST [PROOF]...
//
// LIST has a line for each record, in the order of the log: run id, sequence, payload and, of a seal, its note, the last two in base64.
// Signatures are checked by the key in VKEY-FILE, and those that it leads to.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "independent: "+format+"\n", args...)
	os.Exit(1)
}

func must[T any](v T, err error) T {
	if err != nil {
		die("%v", err)
	}
	return v
}

// checkpoint is the part of a note's text that every log has.
type checkpoint struct {
	origin string
	size   uint64
	root   []byte
	more   []string
}

func parseCheckpoint(text string) checkpoint {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		die("a checkpoint of %d lines", len(lines))
	}
	return checkpoint{lines[0], must(strconv.ParseUint(lines[1], 10, 64)), must(base64.StdEncoding.DecodeString(lines[2])), lines[3:]}
}

// chain is the key that signs now, and all that did.
type chain struct {
	now  note.Verifier
	seen []note.Verifier
}

// open checks a seal's signature by the key whose turn it is, and takes the next one if the seal names it.
func (c *chain) open(msg []byte) checkpoint {
	n, err := note.Open(msg, note.VerifierList(c.now))
	if err != nil {
		die("a seal is not signed by %s+%08x: %v", c.now.Name(), c.now.KeyHash(), err)
	}
	cp := parseCheckpoint(n.Text)
	for _, line := range cp.more {
		if vkey, ok := strings.CutPrefix(line, "next-key "); ok {
			next := must(note.NewVerifier(vkey))
			if _, err := note.Open(msg, note.VerifierList(next)); err != nil {
				die("the next key did not sign: %v", err)
			}
			c.now = next
			c.seen = append(c.seen, next)
		}
	}
	return cp
}

func checkList(c *chain) (records, seals int) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 4<<20)
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	trees := map[string]*compact.Range{}
	for in.Scan() {
		f := strings.Fields(in.Text())
		if trees[f[0]] == nil {
			trees[f[0]] = factory.NewEmptyRange(0)
		}
		tree := trees[f[0]]
		if sequence := must(strconv.ParseUint(f[1], 10, 64)); sequence != tree.End() {
			die("record %d where %d is due", sequence, tree.End())
		}
		if len(f) > 3 {
			cp := c.open(must(base64.StdEncoding.DecodeString(f[3])))
			root := must(tree.GetRootHash(nil))
			if cp.size != tree.End() || !bytes.Equal(root, cp.root) || !strings.HasSuffix(cp.origin, "/"+f[0]) {
				die("seal of %s at %d is not of these records", cp.origin, cp.size)
			}
			seals++
		}
		if err := tree.Append(rfc6962.DefaultHasher.HashLeaf(must(base64.StdEncoding.DecodeString(f[2]))), nil); err != nil {
			die("%v", err)
		}
		records++
	}
	if in.Err() != nil {
		die("%v", in.Err())
	}
	return
}

// checkProof checks a file of c2sp.org/tlog-proof whose extra data is the leaf.
func checkProof(c *chain, path string) {
	text := string(must(os.ReadFile(path)))
	head, msg, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		die("%s: no proof", path)
	}
	extra, ok1 := strings.CutPrefix(lines[1], "extra ")
	index, ok2 := strings.CutPrefix(lines[2], "index ")
	if !ok1 || !ok2 {
		die("%s: no record in it", path)
	}
	var hashes [][]byte
	for _, line := range lines[3:] {
		hashes = append(hashes, must(base64.StdEncoding.DecodeString(line)))
	}
	n, err := note.Open([]byte(msg), note.VerifierList(c.seen...))
	if err != nil {
		die("%s: %v", path, err)
	}
	cp := parseCheckpoint(n.Text)
	leaf := rfc6962.DefaultHasher.HashLeaf(must(base64.StdEncoding.DecodeString(extra)))
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, must(strconv.ParseUint(index, 10, 64)), cp.size, leaf, hashes, cp.root); err != nil {
		die("%s: %v", path, err)
	}
}

func main() {
	if len(os.Args) < 2 {
		die("want VKEY-FILE [PROOF]...")
	}
	first := must(note.NewVerifier(strings.TrimSpace(string(must(os.ReadFile(os.Args[1]))))))
	c := &chain{first, []note.Verifier{first}}
	records, seals := checkList(c)
	for _, path := range os.Args[2:] {
		checkProof(c, path)
	}
	fmt.Printf("%d records, %d seals, %d keys, %d proofs\n", records, seals, len(c.seen), len(os.Args)-2)
}
