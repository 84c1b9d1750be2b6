package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"sync"
)

// wire reads along what the server sends on watches, before client-go does. Over the whole life of an informer its live events (those that are not the
// initial ones of sendInitialEvents) come in the order of their versions: one that is not newer than everything before was sent twice or late.
type wire struct {
	mutex     sync.Mutex
	resources map[string]*sent
}

type sent struct {
	Lists    int      `json:"lists"`    // plain lists
	Streamed int      `json:"streamed"` // lists as watches, by sendInitialEvents
	Watches  int      `json:"watches"`
	Gone     int      `json:"gone"` // watches refused or ended because their version was compacted
	Initial  int      `json:"initial"`
	Live     int      `json:"live"`
	Marks    int      `json:"bookmarks"`
	Problems []string `json:"problems"`
	last     uint64
}

func newWire() *wire {
	return &wire{resources: map[string]*sent{}}
}

func (w *wire) observe(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err != nil || request.Method != http.MethodGet {
			return response, err
		}
		query := request.URL.Query()
		resource := path.Base(request.URL.Path)
		streamed := query.Get("sendInitialEvents") == "true"
		w.count(resource, query.Get("watch") == "true", streamed)
		if response.StatusCode == http.StatusGone {
			w.with(resource, func(s *sent) { s.Gone++ })
		}
		if query.Get("watch") == "true" && response.StatusCode == http.StatusOK {
			response.Body = &follower{ReadCloser: response.Body, line: w.follow(resource, streamed)}
		}
		return response, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func (w *wire) count(resource string, watch, streamed bool) {
	w.with(resource, func(s *sent) {
		switch {
		case streamed:
			s.Streamed++
		case watch:
			s.Watches++
		default:
			s.Lists++
		}
	})
}

func (w *wire) with(resource string, change func(*sent)) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.resources[resource] == nil {
		w.resources[resource] = &sent{Problems: []string{}}
	}
	change(w.resources[resource])
}

type watchEvent struct {
	Type   string `json:"type"`
	Object struct {
		Code     int `json:"code"`
		Metadata struct {
			Name            string            `json:"name"`
			ResourceVersion string            `json:"resourceVersion"`
			Annotations     map[string]string `json:"annotations"`
		} `json:"metadata"`
	} `json:"object"`
}

// follow judges the events of one watch. Initial ones show a moment: none of it may be newer than the bookmark that ends them.
func (w *wire) follow(resource string, initial bool) func([]byte) {
	var newest uint64
	return func(line []byte) {
		w.with(resource, func(s *sent) {
			var event watchEvent
			if err := json.Unmarshal(line, &event); err != nil {
				s.problem("a line that is no event: %v", err)
				return
			}
			if event.Type == "ERROR" {
				if event.Object.Code == http.StatusGone {
					s.Gone++
				}
				return
			}
			version, err := strconv.ParseUint(event.Object.Metadata.ResourceVersion, 10, 64)
			if err != nil {
				s.problem("%s %s without a version: %v", event.Type, event.Object.Metadata.Name, err)
				return
			}
			switch {
			case event.Type == "BOOKMARK":
				s.Marks++
				if initial && event.Object.Metadata.Annotations["k8s.io/initial-events-end"] == "true" {
					initial = false
				}
				if version < newest || version < s.last {
					s.problem("a bookmark went back from %d to %d", max(newest, s.last), version)
				}
				s.last = max(s.last, version)
			case initial:
				s.Initial++
				newest = max(newest, version)
				if event.Type != "ADDED" {
					s.problem("%s %s among the initial events", event.Type, event.Object.Metadata.Name)
				}
			default:
				s.Live++
				if version <= s.last {
					s.problem("%s %s at %d after %d", event.Type, event.Object.Metadata.Name, version, s.last)
				}
				s.last = max(s.last, version)
			}
		})
	}
}

func (s *sent) problem(format string, values ...any) {
	if len(s.Problems) < 20 {
		s.Problems = append(s.Problems, fmt.Sprintf(format, values...))
	}
}

func (w *wire) report(resource string) sent {
	var copied sent
	w.with(resource, func(s *sent) {
		copied = *s
		copied.Problems = append([]string{}, s.Problems...)
	})
	return copied
}

// follower hands each whole line on as it is read. What is cut off by a lost connection is no line.
type follower struct {
	io.ReadCloser
	rest []byte
	line func([]byte)
}

func (f *follower) Read(into []byte) (int, error) {
	read, err := f.ReadCloser.Read(into)
	f.rest = append(f.rest, into[:read]...)
	for end := bytes.IndexByte(f.rest, '\n'); end >= 0; end = bytes.IndexByte(f.rest, '\n') {
		f.line(f.rest[:end])
		f.rest = f.rest[end+1:]
	}
	return read, err
}
