package main

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// handled is an event handler that keeps to what an informer promises its handlers: an object is added once, its versions only rise, and after its
// deletion it is not heard of again. A new list tells unchanged objects again (equal versions), which client-go documents for OnUpdate.
type handled struct {
	mutex    sync.Mutex
	versions map[string]uint64
	gone     map[string]bool
	added    int
	updated  int
	again    int
	deleted  int
	problems []string
}

func newHandled() *handled {
	return &handled{versions: map[string]uint64{}, gone: map[string]bool{}}
}

func (h *handled) OnAdd(object any, _ bool) {
	h.with(object, func(uid string, version uint64) {
		h.added++
		if h.gone[uid] {
			h.problem("%s came back at %d after its deletion", uid, version)
		}
		if before, known := h.versions[uid]; known {
			h.problem("%s was added twice: at %d and at %d", uid, before, version)
		}
		h.versions[uid] = version
	})
}

func (h *handled) OnUpdate(_, object any) {
	h.with(object, func(uid string, version uint64) {
		before, known := h.versions[uid]
		switch {
		case !known && h.gone[uid]:
			h.problem("%s was updated at %d after its deletion", uid, version)
		case version < before:
			h.problem("%s went back from %d to %d", uid, before, version)
		case version == before:
			h.again++
		default:
			h.updated++
		}
		h.versions[uid] = version
	})
}

func (h *handled) OnDelete(object any) {
	// What an informer missed being deleted it finds missing in the next list, and wraps.
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	h.with(object, func(uid string, version uint64) {
		h.deleted++
		if _, known := h.versions[uid]; !known {
			h.problem("%s was deleted at %d without having been there", uid, version)
		}
		delete(h.versions, uid)
		h.gone[uid] = true
	})
}

func (h *handled) with(object any, note func(uid string, version uint64)) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	known, ok := object.(runtime.Object)
	if !ok {
		h.problem("a handler was given a %T", object)
		return
	}
	uid, version, err := versionOf(known)
	if err != nil {
		h.problem("an object without a version: %v", err)
		return
	}
	note(uid, version)
}

func (h *handled) problem(format string, values ...any) {
	if len(h.problems) < 20 {
		h.problems = append(h.problems, fmt.Sprintf(format, values...))
	}
}

func (h *handled) report() map[string]any {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return map[string]any{"added": h.added, "updated": h.updated, "again": h.again, "deleted": h.deleted, "problems": append([]string{}, h.problems...)}
}
