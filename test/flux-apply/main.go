// Applies manifests as Flux's kustomize-controller does, with Flux's own ssa module: a dry run of all objects,
// then each that differs is applied, then what is no longer among the manifests is deleted.
//
// Manifests come on standard input, the cluster from KUBECONFIG. Prints a line for each object, and exits with 1
// and Flux's own words where Flux would report a failed Kustomization.
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

func main() {
	force := flag.Bool("force", false, "spec.force of a Kustomization: delete and create anew what seems immutable")
	wait := flag.Bool("wait", false, "spec.wait of a Kustomization: until all objects are ready")
	pruneFrom := flag.String("prune-from", "", "spec.prune of a Kustomization: a file with what it applied before")
	name := flag.String("name", "models", "the name of the Kustomization, for the labels of what it owns")
	flag.Parse()
	if err := run(context.Background(), *name, *pruneFrom, *force, *wait); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name, pruneFrom string, force, wait bool) error {
	manager, err := newManager()
	if err != nil {
		return err
	}
	objects, err := read(os.Stdin)
	if err != nil {
		return err
	}
	manager.SetOwnerLabels(objects, name, "flux-system")
	options := ssa.DefaultApplyOptions()
	options.Force = force
	changes, err := manager.ApplyAllStaged(ctx, objects, options)
	if changes != nil && len(changes.Entries) > 0 {
		fmt.Println(changes)
	}
	if err != nil {
		return err
	}
	if err := prune(ctx, manager, name, pruneFrom, objects); err != nil {
		return err
	}
	if !wait {
		return nil
	}
	return manager.WaitForSet(changes.ToObjMetadataSet(), ssa.WaitOptions{
		Interval: 200 * time.Millisecond,
		Timeout:  30 * time.Second,
		FailFast: true,
	})
}

func newManager() (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	kubeClient, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(kubeClient, kubeClient.RESTMapper(), polling.Options{})
	return ssa.NewResourceManager(kubeClient, poller, owner), nil
}

func read(from io.Reader) ([]*unstructured.Unstructured, error) {
	objects, err := utils.ReadObjects(from)
	if err != nil {
		return nil, err
	}
	return objects, normalize.UnstructuredList(objects)
}

// prune deletes what was applied before and is not among the objects any more.
func prune(
	ctx context.Context,
	manager *ssa.ResourceManager,
	name, before string,
	objects []*unstructured.Unstructured,
) error {
	if before == "" {
		return nil
	}
	text, err := os.ReadFile(before)
	if err != nil {
		return err
	}
	earlier, err := read(strings.NewReader(string(text)))
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
	options.Inclusions = manager.GetOwnerLabels(name, "flux-system")
	changes, err := manager.DeleteAll(ctx, stale, options)
	if len(changes.Entries) > 0 {
		fmt.Println(changes)
	}
	return err
}
