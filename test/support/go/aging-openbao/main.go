// The mock backend of OpenBao's SDK behind a gRPC server that asks each connection to leave when it is a second and a half old.
package main

import (
	"log"
	"os"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/openbao/openbao/api/v2"
	"github.com/openbao/openbao/sdk/v2/plugin"
	"github.com/openbao/openbao/sdk/v2/plugin/mock"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

func main() {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig,
		VersionedPlugins: map[int]goplugin.PluginSet{
			5: {"backend": &plugin.GRPCBackendPlugin{Factory: mock.Factory, MultiplexingSupport: true}},
		},
		TLSProvider: api.VaultPluginTLSProvider(meta.GetTLSConfig()),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			age := keepalive.ServerParameters{MaxConnectionAge: 1500 * time.Millisecond}
			return grpc.NewServer(append(options, grpc.KeepaliveParams(age))...)
		},
	})
}
