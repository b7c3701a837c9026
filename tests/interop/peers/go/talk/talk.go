// Package talk is what the two Go clients share: the lines exchanged with run.py, and the records of README.md.
package talk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	BaseMs = int64(1_700_000_000_000)
	Count  = 200
)

var input = bufio.NewReader(os.Stdin)

// Check runs one check; the error it returns is its failure.
func Check(name string, step func() error) {
	if !strings.Contains(name, os.Getenv("MOLDAU_INTEROP_ONLY")) {
		return
	}
	if err := step(); err != nil {
		fmt.Printf("fail %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("ok %s\n", name)
}

// Broker asks for `broker stop` or `broker kill` with a start after it, and waits until the broker is back.
func Broker(how string) error {
	fmt.Printf("broker %s\n", how)
	answer, err := input.ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "done" {
		return fmt.Errorf("no broker: %q %v", answer, err)
	}
	return nil
}

func End() { fmt.Println("end") }

// Same compares two values by their print.
func Same(what string, wanted, got any) error {
	if fmt.Sprint(wanted) != fmt.Sprint(got) {
		return fmt.Errorf("%s: wanted %.300v, got %.300v", what, wanted, got)
	}
	return nil
}

// Bytes compares two byte strings; nil differs from empty.
func Bytes(what string, wanted, got []byte) error {
	if !bytes.Equal(wanted, got) || (wanted == nil) != (got == nil) {
		return fmt.Errorf("%s: wanted %d bytes (nil: %v), got %d (nil: %v)", what, len(wanted), wanted == nil, len(got), got == nil)
	}
	return nil
}

func Refused(wanted, got error) error {
	if !errors.Is(got, wanted) {
		return fmt.Errorf("wanted the error %v, got %v", wanted, got)
	}
	return nil
}

func Await(what string, condition func() bool) error {
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			return fmt.Errorf("not within 30 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// All runs steps until one fails.
func All(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func Key(i int) []byte {
	if i%7 == 6 && i%11 != 10 {
		return nil
	}
	return []byte("key-" + strconv.Itoa(i))
}

func Value(i int) []byte {
	if i%11 == 10 {
		return nil
	}
	size := (i * i * 37) % 2000
	if i == 50 {
		size = 60_000
	}
	value := make([]byte, size)
	for j := range value {
		value[j] = byte(i*31 + j*7 + j/251)
	}
	return value
}

type Header struct {
	Key   string
	Value []byte
}

func Headers(i int) []Header {
	headers := []Header{{"number", []byte(strconv.Itoa(i))}}
	if i%3 == 0 {
		headers = append(headers, Header{"number", []byte{}})
	}
	if i%5 == 0 {
		headers = append(headers, Header{"nothing", nil})
	}
	return headers
}

func Timestamp(i int) time.Time { return time.UnixMilli(BaseMs + int64(i)*1000) }

// Seen counts values that a group has read, and what each member owns.
type Seen struct {
	lock   sync.Mutex
	counts map[string]int
	owned  map[string]map[int32]bool
}

func NewSeen() *Seen { return &Seen{counts: map[string]int{}, owned: map[string]map[int32]bool{}} }

func (s *Seen) Add(value []byte) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.counts[string(value)]++
}

func (s *Seen) Len() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.counts)
}

func (s *Seen) Assign(member string, partitions []int32) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.owned[member] == nil {
		s.owned[member] = map[int32]bool{}
	}
	for _, partition := range partitions {
		s.owned[member][partition] = true
	}
}

func (s *Seen) Revoke(member string, partitions []int32) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, partition := range partitions {
		delete(s.owned[member], partition)
	}
}

func (s *Seen) Owns(member string) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.owned[member])
}

// Once fails when a value was read more than once.
func (s *Seen) Once() error {
	s.lock.Lock()
	defer s.lock.Unlock()
	for value, times := range s.counts {
		if times != 1 {
			return fmt.Errorf("value %s was read %d times", value, times)
		}
	}
	return nil
}

// Disjoint fails when both groups of readers have read the same value.
func (s *Seen) Disjoint(other *Seen) error {
	for value := range s.counts {
		if other.counts[value] != 0 {
			return fmt.Errorf("value %s was read again", value)
		}
	}
	return nil
}
