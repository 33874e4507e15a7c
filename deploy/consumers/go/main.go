// SPDX-License-Identifier: Apache-2.0

// Read prints a topic's records as lines of JSON, each record once; what is missing on stderr.
//
//	read DESCRIPTOR TOPIC BROKER[,BROKER]...
//
// DESCRIPTOR is varve.desc. It reads what is there when it starts, from the beginning, without a consumer group. It ends with 0; 3: something
// is missing; 1: an error.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const holesMax = 10000 // kept of each run

// eventType finds the message by the descriptor: no code is generated.
func eventType(file string) (protoreflect.MessageType, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, err
	}
	d, err := files.FindDescriptorByName("varve.v1.Event")
	if err != nil {
		return nil, err
	}
	return dynamicpb.NewMessageType(d.(protoreflect.MessageDescriptor)), nil
}

// ascii escapes what is not ASCII in JSON. Text in a record is what an attacker chose: as this, a terminal does not act on it.
func ascii(json []byte) []byte {
	var out []byte
	for _, r := range string(json) {
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, "\\u%04x\\u%04x", high, low)
		}
	}
	return out
}

// payload leaves out Confluent's prefix. No Event begins with a zero byte, so that a mirror that drops headers does no harm.
func payload(r *kgo.Record) []byte {
	framing := "confluent"
	for _, h := range r.Headers {
		if h.Key == "framing" {
			framing = string(h.Value)
		}
	}
	v := r.Value
	if framing != "confluent" || len(v) < 6 || v[0] != 0 {
		return v
	}
	if v[5] == 0 {
		return v[6:]
	}
	if len(v) >= 7 && v[5] == 2 && v[6] == 0 {
		return v[7:]
	}
	return v
}

type span struct{ from, until uint64 }

// run is the sequence of one run of a sensor: what came twice, and what did not come. After a crash a sensor sends again from some record on,
// in order; so a number below the next one has been seen, unless it is in a hole.
type run struct {
	first, next uint64
	holes       []span
}

func (r *run) isNew(sequence uint64) bool {
	if sequence >= r.next {
		if sequence > r.next {
			r.holes = append(r.holes, span{r.next, sequence})
		}
		r.next = sequence + 1
		return true
	}
	if sequence < r.first {
		if sequence+1 < r.first {
			r.holes = slices.Insert(r.holes, 0, span{sequence + 1, r.first})
		}
		r.first = sequence
		return true
	}
	for i, h := range r.holes {
		if h.from <= sequence && sequence < h.until {
			rest := slices.DeleteFunc([]span{{h.from, sequence}, {sequence + 1, h.until}}, func(s span) bool { return s.from >= s.until })
			r.holes = slices.Replace(r.holes, i, i+1, rest...)
			return true
		}
	}
	return false
}

type runKey struct{ node, id string }

type reader struct {
	event                      protoreflect.MessageType
	runs                       map[runKey]*run
	order                      []runKey
	records, twice, unreadable int
	missing                    []string
	out                        *bufio.Writer
}

// field follows names from a message down; an absent one is the zero value of its type.
func field(m protoreflect.Message, names ...protoreflect.Name) protoreflect.Value {
	for {
		f := m.Descriptor().Fields().ByName(names[0])
		if len(names) == 1 {
			return m.Get(f)
		}
		m, names = m.Get(f).Message(), names[1:]
	}
}

func (r *reader) say(format string, args ...any) {
	r.missing = append(r.missing, fmt.Sprintf(format, args...))
}

func (r *reader) judge(m protoreflect.Message) {
	text := func(names ...protoreflect.Name) string { return strconv.QuoteToASCII(field(m, names...).String()) }
	where := text("container", "id")
	if where == `""` {
		where = "the node " + text("node_name")
	}
	switch field(m, "kind").String() {
	case "LOSS":
		r.say("LOSS: %d of class %s, %s, in %s", field(m, "loss", "count").Uint(), text("loss", "event_class"), text("loss", "cause"), where)
	case "SUPPRESSION":
		r.say("SUPPRESSION: %d of class %s, %s, in %s", field(m, "suppression", "count").Uint(), text("suppression", "event_class"),
			text("suppression", "reason"), where)
	case "RUN_START":
		since := field(m, "run_start", "not_watched_since_unix_nano").Int()
		if since != 0 {
			r.say("NOT WATCHED: %.3f s on %s before run %s", float64(field(m, "run_start", "watched_since_unix_nano").Int()-since)/1e9,
				text("node_name"), text("run_id"))
		}
	}
}

func (r *reader) take(record *kgo.Record) error {
	m := r.event.New()
	if proto.Unmarshal(payload(record), m.Interface()) != nil {
		r.unreadable++
		return nil
	}
	key := runKey{field(m, "node_name").String(), field(m, "run_id").String()}
	sequence := field(m, "sequence").Uint()
	if r.runs[key] == nil {
		r.runs[key] = &run{first: sequence, next: sequence}
		r.order = append(r.order, key)
	}
	if !r.runs[key].isNew(sequence) {
		r.twice++
		return nil
	}
	if len(r.runs[key].holes) > holesMax {
		return fmt.Errorf("too many gaps to keep track of: is this topic one of Varve's?")
	}
	r.records++
	r.judge(m)
	line, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m.Interface())
	if err == nil {
		_, err = r.out.Write(append(ascii(line), '\n'))
	}
	return err
}

func (r *reader) tell() int {
	for _, key := range r.order {
		run := r.runs[key]
		if run.first > 0 {
			r.say("run %+q of %+q: begins with %d here", key.id, key.node, run.first)
		}
		for _, h := range run.holes {
			r.say("GAP: run %+q of %+q: %d to %d did not come", key.id, key.node, h.from, h.until-1)
		}
	}
	if r.unreadable > 0 {
		r.say("%d records are no varve.v1.Event", r.unreadable)
	}
	for _, line := range r.missing {
		fmt.Fprintln(os.Stderr, line)
	}
	fmt.Fprintf(os.Stderr, "%d records of %d runs, %d came twice\n", r.records, len(r.runs), r.twice)
	if len(r.missing) > 0 {
		return 3
	}
	return 0
}

// bounds finds where the partitions begin, and where they end now.
func bounds(ctx context.Context, topic string, seeds kgo.Opt) (map[int32]kgo.Offset, map[int32]int64, error) {
	client, err := kgo.NewClient(seeds)
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, nil, err
	}
	from, until := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, o.Partition); ok && start.Offset < o.Offset {
			from[o.Partition] = kgo.NewOffset().At(start.Offset)
			until[o.Partition] = o.Offset
		}
	})
	return from, until, nil
}

func read(ctx context.Context, topic string, seeds kgo.Opt, r *reader) error {
	from, until, err := bounds(ctx, topic, seeds)
	if err != nil || len(until) == 0 {
		return err
	}
	client, err := kgo.NewClient(seeds, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return err
	}
	defer client.Close()
	for len(until) > 0 {
		wait, cancel := context.WithTimeout(ctx, 10*time.Second)
		fetches := client.PollFetches(wait)
		cancel()
		for _, e := range fetches.Errors() {
			return e.Err
		}
		for it := fetches.RecordIter(); !it.Done(); {
			record := it.Next()
			end, ok := until[record.Partition]
			if !ok || record.Offset >= end {
				continue
			}
			if err := r.take(record); err != nil {
				return err
			}
			if record.Offset+1 == end {
				delete(until, record.Partition)
			}
		}
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: read DESCRIPTOR TOPIC BROKER[,BROKER]...")
		os.Exit(1)
	}
	event, err := eventType(os.Args[1])
	r := &reader{event: event, runs: map[runKey]*run{}, out: bufio.NewWriter(os.Stdout)}
	if err == nil {
		err = read(context.Background(), os.Args[2], kgo.SeedBrokers(strings.Split(os.Args[3], ",")...), r)
	}
	if flushErr := r.out.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "read:", err)
		os.Exit(1)
	}
	os.Exit(r.tell())
}
