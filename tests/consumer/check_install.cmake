# cmake -D BUILD=<build folder> -D COMPILER=<c++> -D FLAGS=<flags> -P check_install.cmake
# Installs into a folder of the build, builds the consumer against it with find_package and with pkg-config, runs both.

set(prefix ${BUILD}/consumer/prefix)
file(REMOVE_RECURSE ${BUILD}/consumer)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${BUILD}/consumer/build -G Ninja
  -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${BUILD}/consumer/build)
run(${BUILD}/consumer/build/consumer)

file(GLOB_RECURSE pc_file ${prefix}/eddy.pc)
cmake_path(GET pc_file PARENT_PATH pc_dir)
execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_dir} pkg-config --cflags --libs eddy
  OUTPUT_VARIABLE pc_flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(pc_flags UNIX_COMMAND "${pc_flags}")
separate_arguments(flags UNIX_COMMAND "${FLAGS}")
run(${COMPILER} ${flags} ${CMAKE_CURRENT_LIST_DIR}/consumer.cpp ${pc_flags} -o ${BUILD}/consumer/by_pkg_config)
run(${BUILD}/consumer/by_pkg_config)
