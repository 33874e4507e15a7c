// SPDX-License-Identifier: Apache-2.0

// All of Kubernetes that a node and its control plane need, and etcd, as one program, so that it is linked once. The first argument is
// the component.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
}

func main() {
	if len(os.Args) > 1 {
		os.Args = os.Args[1:] // each reads its own
		if os.Args[0] == "etcd" {
			etcdmain.Main(os.Args)
			return
		}
		if make, ok := components[os.Args[0]]; ok {
			os.Exit(cli.Run(make()))
		}
	}
	fmt.Fprintln(os.Stderr, "usage: kube etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kubectl ...")
	os.Exit(2)
}
