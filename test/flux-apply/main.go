// Applies manifests as Flux's kustomize-controller does, with Flux's own ssa module: a dry run of all objects,
// then each that differs is applied, then what is no longer among the manifests is deleted.
//
// Manifests of namespaced objects come on standard input, the cluster from KUBECONFIG, and so does the namespace of
// those that name none. Prints a line for each object, and exits with 1 and Flux's own words where Flux would report a
// Kustomization that is not ready.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// As kustomize-controller signs its work.
var owner = ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}

type kustomization struct {
	name      string
	force     bool
	wait      bool
	pruneFrom string
}

func main() {
	var spec kustomization
	flag.StringVar(&spec.name, "name", "models", "the Kustomization's name, for the labels of what it owns")
	flag.BoolVar(&spec.force, "force", false, "spec.force: what seems immutable is deleted and created anew")
	flag.BoolVar(&spec.wait, "wait", false, "spec.wait: until all objects are ready")
	flag.StringVar(&spec.pruneFrom, "prune-from", "", "spec.prune: a file with the manifests that were applied before")
	flag.Parse()
	if err := spec.reconcile(context.Background(), os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (spec kustomization) reconcile(ctx context.Context, manifests io.Reader) error {
	manager, namespace, err := connect()
	if err != nil {
		return err
	}
	objects, err := read(manifests, namespace)
	if err != nil {
		return err
	}
	manager.SetOwnerLabels(objects, spec.name, "flux-system")
	options := ssa.DefaultApplyOptions()
	options.Force = spec.force
	changes, err := manager.ApplyAllStaged(ctx, objects, options)
	report(changes)
	if err != nil {
		return err
	}
	if err := spec.prune(ctx, manager, objects, namespace); err != nil {
		return err
	}
	if !spec.wait {
		return nil
	}
	return manager.WaitForSet(changes.ToObjMetadataSet(), ssa.WaitOptions{
		Interval: 200 * time.Millisecond,
		Timeout:  30 * time.Second,
		FailFast: true,
	})
}

// prune deletes what was applied before and is not among the objects any more.
func (spec kustomization) prune(
	ctx context.Context,
	manager *ssa.ResourceManager,
	objects []*unstructured.Unstructured,
	namespace string,
) error {
	if spec.pruneFrom == "" {
		return nil
	}
	text, err := os.ReadFile(spec.pruneFrom)
	if err != nil {
		return err
	}
	earlier, err := read(strings.NewReader(string(text)), namespace)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, object := range objects {
		kept[utils.FmtUnstructured(object)] = true
	}
	var stale []*unstructured.Unstructured
	for _, object := range earlier {
		if !kept[utils.FmtUnstructured(object)] {
			stale = append(stale, object)
		}
	}
	options := ssa.DefaultDeleteOptions()
	options.Inclusions = manager.GetOwnerLabels(spec.name, "flux-system")
	changes, err := manager.DeleteAll(ctx, stale, options)
	report(changes)
	return err
}

func connect() (*ssa.ResourceManager, string, error) {
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil)
	namespace, _, err := config.Namespace()
	if err != nil {
		return nil, "", err
	}
	rest, err := config.ClientConfig()
	if err != nil {
		return nil, "", err
	}
	kubeClient, err := client.New(rest, client.Options{})
	if err != nil {
		return nil, "", err
	}
	poller := polling.NewStatusPoller(kubeClient, kubeClient.RESTMapper(), polling.Options{})
	return ssa.NewResourceManager(kubeClient, poller, owner), namespace, nil
}

func read(from io.Reader, namespace string) ([]*unstructured.Unstructured, error) {
	objects, err := utils.ReadObjects(from)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
	}
	return objects, normalize.UnstructuredList(objects)
}

func report(changes *ssa.ChangeSet) {
	if changes != nil && len(changes.Entries) > 0 {
		fmt.Println(changes)
	}
}
