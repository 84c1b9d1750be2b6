// Informer watches a Slipway server with the stock informers of client-go and tells, when asked, what their caches hold and what went over the wire.
//
// It is run by test/e2e/informer.world.test.ts. Usage: informer KUBECONFIG NAMESPACE. One command a line on standard input, one JSON object a line on
// standard output:
//
//	digest                 what each cache holds and what its watches saw
//	write NAMESPACE COUNT  makes a namespace with COUNT roles and bindings through the typed clientset, which sends protobuf
//
// The end of standard input ends it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const protobuf = "application/vnd.kubernetes.protobuf"

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: informer KUBECONFIG NAMESPACE"))
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "informer:", err)
	os.Exit(1)
}

func run(kubeconfig, namespace string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // the default of 5 requests a second would measure the client
	wire := newWire()
	config.Wrap(wire.observe)

	typed, err := kubernetes.NewForConfig(asProtobuf(config))
	if err != nil {
		return err
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}

	factory := informers.NewSharedInformerFactory(typed, 0)
	many := dynamicinformer.NewFilteredDynamicSharedInformerFactory(untyped, 0, namespace, nil)
	watched := map[string]cache.SharedIndexInformer{
		"namespaces":      factory.Core().V1().Namespaces().Informer(),
		"roles":           factory.Rbac().V1().Roles().Informer(),
		"rolebindings":    factory.Rbac().V1().RoleBindings().Informer(),
		"releasebindings": many.ForResource(schema.GroupVersionResource{Group: "slipway.dev", Version: "v1alpha1", Resource: "releasebindings"}).Informer(),
	}
	seen := map[string]*handled{}
	for resource, informer := range watched {
		seen[resource] = newHandled()
		if _, err := informer.AddEventHandler(seen[resource]); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	factory.Start(ctx.Done())
	many.Start(ctx.Done())
	for resource, informer := range watched {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return fmt.Errorf("the cache of %s never filled", resource)
		}
	}
	say(map[string]any{"synced": true})
	return obey(ctx, typed, watched, seen, wire)
}

func asProtobuf(config *rest.Config) *rest.Config {
	typed := rest.CopyConfig(config)
	typed.ContentType = protobuf
	typed.AcceptContentTypes = protobuf + ",application/json"
	return typed
}

func obey(ctx context.Context, typed kubernetes.Interface, watched map[string]cache.SharedIndexInformer, seen map[string]*handled, wire *wire) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 1 && words[0] == "digest":
			answer := map[string]any{}
			for resource, informer := range watched {
				answer[resource] = map[string]any{"cache": held(informer.GetStore()), "handled": seen[resource].report(), "wire": wire.report(resource)}
			}
			say(answer)
		case len(words) == 3 && words[0] == "write":
			count, err := strconv.Atoi(words[2])
			if err == nil {
				err = writeAccess(ctx, typed, words[1], count)
			}
			if err != nil {
				say(map[string]any{"error": err.Error()})
				continue
			}
			say(map[string]any{"written": count})
		default:
			say(map[string]any{"error": "no such command: " + lines.Text()})
		}
	}
	return lines.Err()
}

// held says which version of which object the cache has: "namespace/name" to "uid resourceVersion".
func held(store cache.Store) map[string]string {
	objects := map[string]string{}
	for _, object := range store.List() {
		if found, err := meta.Accessor(object); err == nil {
			objects[found.GetNamespace()+"/"+found.GetName()] = string(found.GetUID()) + " " + found.GetResourceVersion()
		}
	}
	return objects
}

func say(answer any) {
	line, err := json.Marshal(answer)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func versionOf(object runtime.Object) (uid string, version uint64, err error) {
	found, err := meta.Accessor(object)
	if err != nil {
		return "", 0, err
	}
	version, err = strconv.ParseUint(found.GetResourceVersion(), 10, 64)
	return string(found.GetUID()), version, err
}
